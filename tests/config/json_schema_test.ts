import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/yaml";
import { Ajv } from "ajv";
import { DOC_FILE } from "../../scripts/config_doc.ts";
import { configPage, configSchemaJson, SCHEMA_FILE } from "../../scripts/config_schema.ts";
import { ROOT } from "../../scripts/build/project.ts";

const isValid = new Ajv({ strict: false }).compile(JSON.parse(configSchemaJson()));

function errorsOf(text: string): string[] {
  isValid(parse(text));
  return (isValid.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

Deno.test("config.schema.json is that of the schema and the sample", () => {
  assertEquals(
    Deno.readTextFileSync(SCHEMA_FILE),
    configSchemaJson(),
    'Run "deno task config-schema"',
  );
});

Deno.test("docs/config.md has every key as the schema and the sample have it now", async () => {
  const page = Deno.readTextFileSync(DOC_FILE);
  assertEquals(page, await configPage(), 'Run "deno task config-schema"');
  for (const part of ["`kafka.monitoring`", "`websites.NAME.tls`", "`loglevel`", "`slo`"]) {
    assert(page.includes(part), part);
  }
});

Deno.test("config.schema.json takes the sample and every config that is right", () => {
  assertEquals(errorsOf(Deno.readTextFileSync(`${ROOT}config/config.sample.yaml`)), []);
  const folder = `${ROOT}tests/fixtures/config/good`;
  for (const { name } of Deno.readDirSync(folder)) {
    assertEquals(errorsOf(Deno.readTextFileSync(`${folder}/${name}`)), [], name);
  }
});

Deno.test("config.schema.json refuses keys and values that are wrong, at any depth", () => {
  for (
    const text of [
      "logLevel: INFO",
      "websites: {https://a.example/: {timeuot: 1}}",
      "websites: {https://a.example/: {timeout: soon}}",
      "websites: {https://a.example/: {auth: {digest: {}}}}",
      "templates: {api: {json: {a: {equal: 1}}}}",
      "agent: {max_concurrent_checks: 0}",
    ]
  ) {
    assert(errorsOf(text).length > 0, text);
  }
});

Deno.test("config.schema.json says what the sample says of a key", () => {
  const { properties } = JSON.parse(configSchemaJson());
  assertEquals(properties.loglevel.description.slice(0, 20), "DEBUG, INFO, WARN, E");
  const { timeout } = properties.defaults.anyOf[0].properties;
  assertEquals(timeout.description.slice(0, 30), "Seconds that a check may take,");
});
