// What a table's export has in it. A spreadsheet runs nothing of it: what begins
// like a formula and is no number gets a quote before it, as in the server's own.
const number = /^-[\d.]+$/;

export const cell = (text) => {
  text = String(text);
  if (/^[=+\-@\t\r\n]/.test(text) && !number.test(text)) text = "'" + text;
  return '"' + text.replaceAll('"', '""') + '"';
};

/** @type {(rows: any[][]) => string} */
export const lines = (rows) => rows.map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
