import { isMode, type Mode, MODES } from "./modes.ts";
import { ARGS, DEFAULT_CONFIG, OPTIONS } from "./options.ts";

/** What `--help` says of the options of a mode. */
function optionLines(mode: Mode): string[] {
  return Object.entries(OPTIONS).filter(([, option]) => option.modes?.includes(mode))
    .map(([name, { short, value, help }]) => {
      const names = `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
      return names.length < 20
        ? `  ${names.padEnd(20)}${help}`
        : `  ${names}\n${" ".repeat(22)}${help}`;
    });
}

/** What `--help` prints. */
export function helpText(mode: Mode | null): string {
  const lines = mode ? [`httpmon ${mode}: ${MODES[mode]}`, ""] : [
    "httpmon watches web sites and keeps the record.",
    "",
  ];
  if (mode === null) {
    lines.push(
      "Usage: httpmon [-h] [-v] [-c FILE] [-m MODE]",
      "       httpmon MODE [-c FILE]",
    );
  } else lines.push(`Usage: httpmon ${usageOf(mode)}`);
  lines.push("");
  if (!mode) {
    lines.push("Modes:");
    for (const [name, text] of Object.entries(MODES)) lines.push(`  ${name.padEnd(14)}${text}`);
    lines.push("");
  }
  lines.push(
    "Options:",
    "  -c, --config FILE   the config, YAML (environment: APP_CONFIG)",
    `                      [default: ${DEFAULT_CONFIG}]`,
  );
  if (!mode) lines.push("  -m, --mode MODE     the mode (environment: APP_MODE)");
  lines.push(
    `  --log LOOK          ${OPTIONS.log!.help}`,
    "  -v, --version       print the version",
    "  -h, --help          print this text",
  );
  for (const owner of Object.keys(MODES).filter(isMode)) {
    const options = !mode || mode === owner ? optionLines(owner) : [];
    if (options.length > 0) lines.push("", `Options of ${owner}:`, ...options);
  }
  lines.push("", ...notesOn(mode), EXIT_STATUS[mode === "check" ? "check" : "other"]);
  return lines.join("\n");
}

function usageOf(mode: Mode): string {
  const behind = mode === "import" ? "> config.yaml" : "[-c FILE]";
  return [mode, ARGS[mode]?.usage, behind].filter(Boolean).join(" ");
}

const EXIT_STATUS = {
  check: "Exit status: 0 up or degraded, 1 down or unknown, 2 wrong usage or config.",
  other: "Exit status: 0 done or asked to stop, 1 failed while running, 2 wrong usage or config.",
} as const;

function notesOn(mode: Mode | null): string[] {
  switch (mode) {
    case "agent":
      return [
        "At SIGHUP the agent takes over its config: whole, or if it is wrong not at all.",
        "",
      ];
    case "check":
      return [
        "A host is asked by https. A URL has that site's settings where the config has it, else the",
        "config's defaults; without a config it has httpmon's own.",
        "",
      ];
    case "import":
      return [
        "The config goes to standard output; what it cannot carry over is listed at its top and on",
        "standard error.",
        "",
      ];
    case "restore":
      return [
        "FILE has a message a line, as dbdump prints them; without one, or with -, standard input is read.",
        "",
      ];
    default:
      return [];
  }
}
