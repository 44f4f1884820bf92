// Builds dist/ from src/: every asset gets a hash of its content into its name, and index.html
// refers to the new names. No dependencies; `node build.mjs`.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";

const source = new URL("src/", import.meta.url).pathname;
const target = new URL("dist/", import.meta.url).pathname;

await rm(target, { recursive: true, force: true });
await mkdir(join(target, "assets"), { recursive: true });

let page = await readFile(join(source, "index.html"), "utf8");

for (const file of (await readdir(source)).sort()) {
  if (file === "index.html") continue;
  const content = await readFile(join(source, file));
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  const named = `assets/${basename(file, extname(file))}-${hash}${extname(file)}`;
  if (!page.includes(`"${file}"`)) throw new Error(`src/index.html does not refer to "${file}"`);
  page = page.replaceAll(`"${file}"`, `"/${named}"`);
  await writeFile(join(target, named), content);
  console.log(`dist/${named}  ${content.length} bytes`);
}

await writeFile(join(target, "index.html"), page);
console.log(`dist/index.html  ${page.length} bytes`);
