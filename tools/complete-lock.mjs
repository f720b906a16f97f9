// Adds to package-lock.json the binaries of other platforms that some packages bring as optional dependencies.
//
// `npm install` leaves them out when the registry that it asks does not serve them (mirrors often hold one platform's),
// and `npm ci` then refuses the lock file on every machine. Their versions are exact in the package that wants them,
// and their platform is in their name, so the entries can be written without the registry. Run it as `npm run lock`
// after each change of the dependencies.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const file = path.resolve(import.meta.dirname, "..", "package-lock.json");
const lock = JSON.parse(readFileSync(file, "utf8"));

const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = [
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
];
const libraries = new Map([
  ["gnu", "glibc"],
  ["gnueabihf", "glibc"],
  ["musl", "musl"],
  ["musleabihf", "musl"],
]);

/** What a package's name says of the platform that it is for. */
function platformOf(name) {
  const words = name.slice(name.lastIndexOf("/") + 1).split("-");
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => processors.includes(word));
  const libc = words.flatMap((word) => libraries.get(word) ?? []);
  // WebAssembly runs everywhere and is taken when nothing else fits: npm knows it as a processor that no machine has.
  if (cpu.length === 0) throw new Error(`The platform of the optional package ${name} is not in its name`);
  return { cpu, ...(os.length > 0 && { os }), ...(libc.length > 0 && { libc }) };
}

let added = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(place === "" ? {} : (entry.optionalDependencies ?? {}))) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    // Optional in the usual sense: something for every platform that may be missing. It has no platform in its name.
    if (!/^\d/.test(version)) continue;
    lock.packages[key] = { version, ...(entry.dev && { dev: true }), optional: true, ...platformOf(name) };
    added++;
  }
}
const { "": root, ...others } = lock.packages;
lock.packages = {
  "": root,
  ...Object.fromEntries(Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))),
};
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added} binaries of other platforms added`);
