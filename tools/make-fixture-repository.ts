import { writeFixtureRepository } from "./fixture-repository.ts";

/** `node dist/tools/make-fixture-repository.js <directory>`: see {@link writeFixtureRepository}. */
const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error("Usage: node dist/tools/make-fixture-repository.js <directory>");
  process.exitCode = 1;
} else {
  writeFixtureRepository(directory);
  console.log(`Wrote the fixture models to ${directory}`);
}
