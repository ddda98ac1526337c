// Decides what the editor can refuse, as codes with the facts of the case; the sentences are in src/text, one a code and language.

export type Code =
  | "afterEnd" | "atLine" | "atNode" | "atThisLink" | "badName" | "between" | "bothSides" | "boundOtherwise"
  | "circle" | "colonMissing" | "convertsNot" | "definitionNoObject" | "endGone" | "fitsNotBetween" | "givesNothing"
  | "holdsItself" | "inDefinition" | "inWorkflow" | "inputAlready" | "inputNeedsTo" | "inside" | "isNeeded"
  | "keyMissing" | "keyProto" | "keyTwice" | "linkGone" | "listComma" | "nameTaken" | "noDefinition" | "noFormat"
  | "noInput" | "noLinkLeaves" | "noSubgraph" | "noSuchNode" | "noWorkflow" | "nodeGone" | "nodeLink" | "nodeLinks"
  | "nodeMode" | "nodeName" | "nodeNeedsType" | "nodeNoObject" | "nodeOver" | "nodeTitle" | "nodeValues"
  | "nothingChosen" | "numberLarge" | "objectComma" | "oneIsNeeded" | "otherFormat" | "outputAlready"
  | "outputNeedsFrom" | "partNoObject" | "partNoText" | "readsItself" | "repeated" | "sameSide" | "subgraphGone"
  | "takesNothing" | "textControl" | "textEscape" | "textNoEscape" | "textOpen" | "tooDeep" | "typesDiffer"
  | "valueMissing";

export interface Facts {
  readonly [name: string]: string | number | Reason;
}

export interface Reason {
  readonly code: Code;
  readonly facts: Facts;
}

export interface Refusal {
  readonly ok: false;
  readonly reason: Reason;
  /** Node types that would make it fit. */
  readonly conversions?: readonly string[];
}

export const because = (code: Code, facts: Facts = {}): Reason => ({ code, facts });
export const refuse = (code: Code, facts?: Facts): Refusal => ({ ok: false, reason: because(code, facts) });
