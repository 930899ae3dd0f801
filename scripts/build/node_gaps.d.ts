/** What tsc misses where Deno's checker does not: npm's types lack it, or it is of the runtime. */

declare module "js-yaml";
declare module "kafkajs/src/*";

/** @types/node has the class as a value only. */
interface TextDecoder extends InstanceType<typeof import("node:util").TextDecoder> {}
