// Removes compiled files whose source is gone, so that a deleted test cannot keep passing in dist/.
// tsc itself never deletes output.
import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const dist = path.join(root, "dist");

const sourceOf = (file) => file.replace(/\.(js|d\.ts)(\.map)?$/, ".ts");

if (existsSync(dist)) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(js|d\.ts)(\.map)?$/.test(entry.name)) continue;
    const compiled = path.join(entry.parentPath ?? entry.path, entry.name);
    const source = path.join(root, sourceOf(path.relative(dist, compiled)));
    if (!existsSync(source)) rmSync(compiled);
  }
}
