// After a build: compresses what is served, and refuses a first load that grew too heavy.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const DIST = join(import.meta.dirname, "dist");
const MOST_KB = 150;
const SMALLEST = 512;

for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
  const content = readFileSync(file);
  if (content.length < SMALLEST) continue;
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(content));
}

// The first load: what index.html names, and the first page it leads to.
const assets = join(DIST, "assets");
const html = readFileSync(join(DIST, "index.html"), "utf8");
const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
const gzipped = (name) => gzipSync(readFileSync(join(assets, name))).length / 1024;
const [first, all] = [scripts.filter((name) => html.includes(name)), scripts].map((names) =>
  names.reduce((sum, name) => sum + gzipped(name), 0),
);
console.log(`Script, gzip: ${first.toFixed(1)} kB to begin with, ${all.toFixed(1)} kB with every page.`);
if (all > MOST_KB) {
  console.error(`The dashboard's script may have ${MOST_KB} kB.`);
  process.exit(1);
}
