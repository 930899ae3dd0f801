import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { cacheFolders, makeOnce } from "../folders.ts";

/** Versions of Apache Kafka, by HTTPMON_TEST_KAFKA_VERSION. */
const VERSIONS: Record<string, string> = { "3.9": "3.9.1", "4.1": "4.1.0" };
const DEFAULT = "4.1";

/** slf4j-simple, since Kafka's own dependencies bring the log interface but nothing that writes. */
const pom = (version: string) =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>httpmon.local</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`;

/** Java 17 or Maven is missing; the demo has a stand-in then. */
export class NoJavaError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoJavaError";
  }
}

/**
 * Downloads Apache Kafka from Maven Central into the cache folder (once; 43 MB): 4.1, unless
 * HTTPMON_TEST_KAFKA_VERSION asks for another one.
 *
 * @returns the class path to give to `java -cp`.
 * @throws NoJavaError if there is no Java 17 or newer, or no Maven to download with.
 */
export async function kafkaClassPath(): Promise<string> {
  await requireJava();
  const wanted = process.env.HTTPMON_TEST_KAFKA_VERSION || DEFAULT;
  const version = VERSIONS[wanted];
  if (version === undefined) {
    const known = Object.keys(VERSIONS).join(", ");
    throw new Error(`HTTPMON_TEST_KAFKA_VERSION is one of ${known}, found "${wanted}"`);
  }
  const folder = join(cacheFolders()[0]!, `kafka-${version}`);
  await makeOnce(folder, (partial) => download(partial, version));
  return join(folder, "*");
}

async function requireJava(): Promise<void> {
  let text: string;
  try {
    // The version goes to standard error, as `openjdk version "17.0.15" 2025-04-15`.
    text = (await promisify(execFile)("java", ["-version"])).stderr;
  } catch (error) {
    throw new NoJavaError('Kafka needs Java 17 or newer, and there is no "java" to run', {
      cause: error,
    });
  }
  const found = /version "(\d+)/.exec(text)?.[1];
  if (found === undefined || Number(found) < 17) {
    throw new NoJavaError(`Kafka needs Java 17 or newer, and "java" is ${found ?? "unknown"}`);
  }
}

async function download(folder: string, version: string): Promise<void> {
  const file = join(folder, "pom.xml");
  await writeFile(file, pom(version));
  const args = [
    "-q",
    "-B",
    "-f",
    file,
    "dependency:copy-dependencies",
    `-DoutputDirectory=${folder}`,
  ];
  try {
    await promisify(execFile)("mvn", args);
  } catch (error) {
    const { code, stdout } = error as { code: unknown; stdout?: string };
    if (code === "ENOENT") {
      throw new NoJavaError('Maven downloads Kafka, and there is no "mvn" to run', {
        cause: error,
      });
    }
    throw new Error(`Maven cannot download Kafka ${version}:\n${stdout?.trim()}`, { cause: error });
  }
}
