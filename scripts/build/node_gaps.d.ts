/** What tsc misses where Deno's checker does not: npm's types lack it, or it is of the runtime. */

declare module "js-yaml";
declare module "kafkajs/src/*";

/** Imported with { type: "text" }. */
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.js" {
  const text: string;
  export default text;
}

/** @types/node has the class as a value only. */
interface TextDecoder extends InstanceType<typeof import("node:util").TextDecoder> {}
