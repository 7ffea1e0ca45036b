// The one place that knows which library draws the pages (docs/decisions/0034).
export { html, render, useCallback, useEffect, useRef, useState } from "./vendor/htm-preact-3.1.1.js";
