/** The thread that checks a round, while the others go on. */
import { answer } from "../../../runtime/thread/answer.ts";
import { check } from "./checker.ts";

const handlers = { check };

export type CheckHandlers = typeof handlers;

answer(handlers);
