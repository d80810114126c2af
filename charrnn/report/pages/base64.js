"use strict";
// The memory that a text in base64 describes.
function bytes(base64) {
  const text = atob(base64),
    found = new Uint8Array(text.length);
  for (let k = 0; k < found.length; k++) found[k] = text.charCodeAt(k);
  return found.buffer;
}
