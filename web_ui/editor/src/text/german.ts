// German, whole: loaded when it is spoken.

import { de } from "./de";
import { deNodes } from "./deNodes";
import { deServer } from "./deServer";
import { deTemplates } from "./deTemplates";

export const german = { table: de, sentences: deServer, words: { ...deNodes, templates: deTemplates } };
