import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Dsn, parseDsn } from "../../runtime/dsn.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";

Deno.test("parseDsn() reads URLs and key=value as libpq does", () => {
  const cases: [string, Dsn][] = [
    ["postgres://", {}],
    ["postgresql:///mon", { dbname: "mon" }],
    ["postgres://db.example", { host: "db.example" }],
    [
      "postgres://me:p%40ss%2F%25:w@db.example:5433/mon%20itor?sslmode=require&connect_timeout=3",
      {
        user: "me",
        password: "p@ss/%:w",
        host: "db.example",
        port: 5433,
        dbname: "mon itor",
        sslmode: "require",
        connect_timeout: 3,
      },
    ],
    ["postgres://me@[2001:db8::1]:5433/", { user: "me", host: "2001:db8::1", port: 5433 }],
    ["postgres://%2Fvar%2Frun/mon", { host: "/var/run", dbname: "mon" }],
    ["postgres:///mon?host=/var/run&user=me", { host: "/var/run", dbname: "mon", user: "me" }],
    [
      "postgres://h/d?options=-csearch_path%3Dhttpmon&keepalives=0&channel_binding=require",
      {
        host: "h",
        dbname: "d",
        options: "-csearch_path=httpmon",
        keepalives: false,
        channel_binding: "require",
      },
    ],
    ["host=db.example port=5433 dbname=mon", { host: "db.example", port: 5433, dbname: "mon" }],
    [
      "  user = me password='it\\'s a \\\\ secret' host=h\n\tdbname=a\\ b application_name='' ",
      { user: "me", password: "it's a \\ secret", host: "h", dbname: "a b" },
    ],
    [
      "host=h sslmode=verify-full sslrootcert=/ca.pem sslcert=/c.pem sslkey=/k.pem sslpassword=x",
      {
        host: "h",
        sslmode: "verify-full",
        sslrootcert: "/ca.pem",
        sslcert: "/c.pem",
        sslkey: "/k.pem",
        sslpassword: "x",
      },
    ],
    ["host=h target_session_attrs=read-write client_encoding=UTF8 gssencmode=disable", {
      host: "h",
    }],
  ];
  for (const [text, expected] of cases) assertEquals(parseDsn(text), expected, text);
});

Deno.test("parseDsn() says what is wrong, without the secret", () => {
  const prefix = "The database's connection string (DSN) is wrong: ";
  const cases: [string, string][] = [
    ["postgres://me:s3cret/x@host:1:2/db", "not a valid URL"],
    ["postgres://me:s3cret#x@host/db", "not a valid URL, expected"],
    ["postgres://me:s3cret%zz@host/db", 'a "%" that no two hexadecimal digits follow'],
    ["postgres://me:s3cret@a,b/db", "several hosts, expected one"],
    ["host=a,b password=s3cret", "several hosts, expected one"],
    ["postgres://me:s3cret@host:99999/db", 'key "port": expected a whole number from 1 to 65535'],
    ["postgres://me:s3cret@host/db?sslmode=no-verify", 'key "sslmode": expected one of disable, '],
    ["postgres://me:s3cret@host/db?sslmode", 'key "sslmode" has no value'],
    ["postgres://me:s3cret@host/db?colour=red", 'unknown key "colour"'],
    ["host=h colour=red password=s3cret", 'unknown key "colour"'],
    ["password='s3cret", 'expected "postgres://..." or "key=value'],
    ["password=s3cret host", 'expected "postgres://..." or "key=value'],
    ["mysql://me:s3cret@host/db", 'expected "postgres://..." or "key=value'],
    ["", "empty"],
  ];
  for (const [text, message] of cases) {
    const error = assertThrows(() => parseDsn(text), UsageError, prefix + message);
    assert(!`${error.message}${error.stack}`.includes("s3cret"), error.message);
  }
});
