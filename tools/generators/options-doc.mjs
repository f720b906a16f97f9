// docs/options.md from the option table of the compiled server: run `npm run build` before.

const options = new URL("../../dist/server/options/", import.meta.url);

const introduction = `# Command-line options

<!-- Made by tools/generators/options-doc.mjs from server/options/: change it there and run \`npm run generate\`. -->

These are the server's options; \`nereid check\`, \`explain\` and \`config convert\` are in
[command-line.md](command-line.md). The names and meanings are Triton's. Options are written \`--flag value\` or \`--flag=value\`; a value that begins with
two dashes needs the second form. A boolean is \`true\`, \`on\`, \`1\`, \`false\`, \`off\` or \`0\`, in any letter case. Of an
option given twice the last value counts, except for the repeatable ones, of which all count.

An unknown option, an argument that is no option, or a value that is not allowed ends the program with exit code 1 and
a message that names the option, what is allowed and the nearest known name. An option that changes nothing in the
given combination, such as the port of a service that is off, is allowed as in Triton, and the log says so.`;

/** Markdown of one option. */
function describeOption(definition, describeDefault) {
  const { flag, aliases = [], value, unit, doc, defaultReason } = definition;
  const heading = [flag, ...aliases].map((name) => `\`${name}\``).join(", ");
  const facts = [
    ...(value.placeholder === null ? [] : [`Value: \`${value.placeholder}\`, ${value.allowed}.`]),
    ...(unit === undefined ? [] : [`Unit: ${unit}.`]),
    ...(value.isRepeatable ? ["Repeatable."] : []),
    `Default: ${definition.defaultText ?? `\`${describeDefault(definition)}\``}. ${defaultReason}`,
  ];
  return `### ${heading}\n\n${doc}\n\n${facts.map((fact) => `- ${fact}`).join("\n")}`;
}

/** A Markdown table. */
function table(headers, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(headers), line(headers.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * Makes the reference of the command line.
 *
 * @returns {Promise<{ path: string, content: string }[]>} Paths relative to the repository's root.
 */
export async function generate() {
  const { actionOptions, environmentVariables, optionFields, optionTable } = await import(
    new URL("option-table.js", options).href
  );
  const { describeDefault, optionGroups } = await import(new URL("option-definition.js", options).href);
  const { backendConfigKeys } = await import(new URL("backend-config.js", options).href);
  const { traceConfigKeys } = await import(new URL("trace-config-value.js", options).href);
  const { metricsConfigKeys } = await import(new URL("metrics-config-value.js", options).href);
  const { deprecatedTraceOptions } = await import(new URL("trace-options.js", options).href);
  const { deprecatedOptions, notSupportedOptions } = await import(
    new URL("not-supported-options.js", options).href
  );

  const sections = [
    introduction,
    ...Object.values(actionOptions).map(({ flag, doc }) => `### \`${flag}\`\n\n${doc}`),
  ];
  for (const group of optionGroups) {
    const definitions = optionFields.map((field) => optionTable[field]).filter((row) => row.group === group);
    sections.push(`## ${group}`, ...definitions.map((row) => describeOption(row, describeDefault)));
  }
  sections.push(
    "## Settings for `--backend-config`",
    table(
      ["Backend", "Key", "Meaning"],
      backendConfigKeys.map(({ backend, key, doc }) => [
        backend === null ? "all" : `\`${backend}\``,
        `\`${key}\``,
        doc,
      ]),
    ),
    "A backend's own setting wins over the global one. All values are integers from 0.",
    "## Settings for `--trace-config`",
    table(
      ["Mode", "Key", "Meaning"],
      traceConfigKeys.map(({ mode, key, doc }) => [mode === null ? "–" : `\`${mode}\``, `\`${key}\``, doc]),
    ),
    "A setting of a mode is written `<mode>,<key>=<value>`. Triton's older spellings work, with a warning:",
    table(
      ["Option", "Means"],
      [...deprecatedTraceOptions].map(([flag, setting]) => [
        `\`${flag}=<value>\``,
        `\`--trace-config=${setting}=<value>\``,
      ]),
    ),
    "## Settings for `--metrics-config`",
    table(
      ["Key", "Meaning"],
      metricsConfigKeys.map(({ key, doc }) => [`\`${key}\``, doc]),
    ),
    "## Environment",
    table(
      ["Variable", "Default", "Meaning"],
      Object.values(environmentVariables).map(({ name, defaultValue, doc }) => [
        `\`${name}\``,
        defaultValue === "" ? "none" : `\`${defaultValue}\``,
        doc,
      ]),
    ),
    "## Options of Triton that are not supported yet",
    "Each of them ends the program with a message that says so:",
    [...notSupportedOptions].map((flag) => `- \`${flag}\``).join("\n"),
    "Options that Triton has retired are refused as well, with what replaced them:",
    table(
      ["Option", "Replaced by"],
      [...deprecatedOptions].map(([flag, replacement]) => [`\`${flag}\``, `\`${replacement}\``]),
    ),
  );
  return [{ path: "docs/options.md", content: `${sections.join("\n\n")}\n` }];
}
