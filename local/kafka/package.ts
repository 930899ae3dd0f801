import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolders, makeOnce } from "../folders.ts";

const VERSION = "4.1.0";

/** slf4j-simple, since Kafka's own dependencies bring the log interface but nothing that writes. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>httpmon.local</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${VERSION}</version>
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
 * Downloads Apache Kafka from Maven Central into the cache folder (once; 43 MB).
 *
 * @returns the class path to give to `java -cp`.
 * @throws NoJavaError if there is no Java 17 or newer, or no Maven to download with.
 */
export async function kafkaClassPath(): Promise<string> {
  await requireJava();
  const folder = join(cacheFolders()[0]!, `kafka-${VERSION}`);
  await makeOnce(folder, download);
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

async function download(folder: string): Promise<void> {
  const pom = join(folder, "pom.xml");
  await writeFile(pom, POM);
  const args = [
    "-q",
    "-B",
    "-f",
    pom,
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
    throw new Error(`Maven cannot download Kafka ${VERSION}:\n${stdout?.trim()}`, { cause: error });
  }
}
