// /messages.js, which the service makes of its catalogue of words.

/** Words by code, in Chinese and in English. Values stand in braces. */
export const messages: Record<string, [string, string]>;
/** Words of the pages. */
export const words: Record<string, [string, string]>;
/** Names of the values of a group (states, roles, types of fraud), likewise. */
export const names: Record<string, Record<string, [string, string]>>;
