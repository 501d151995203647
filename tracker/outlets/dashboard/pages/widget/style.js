/** How the light looks; a page may set every `--recording-state-…`. */

const LIGHT = {
  text: "#17202a",
  muted: "#55616e",
  surface: "#ffffff",
  line: "#d7dee6",
  recording: "#0a7350",
  paused: "#8a5100",
  stopped: "#4c5967",
  unknown: "#6c2fb0",
  bad: "#b3241c",
  accent: "#1d5fc4",
  "accent-text": "#ffffff",
};

const DARK = {
  text: "#e5ebf1",
  muted: "#9eacba",
  surface: "#151c24",
  line: "#2f3b48",
  recording: "#6fdcb0",
  paused: "#f3c065",
  stopped: "#b4c0cc",
  unknown: "#cfa9f7",
  bad: "#ff9088",
  accent: "#7fb0ff",
  "accent-text": "#0b1728",
};

/** What the page sets, or else these. @param {Record<string, string>} these */
function colours(these) {
  return Object.entries(these)
    .map(([name, colour]) => `--_${name}: var(--recording-state-${name}, ${colour});`)
    .join(" ");
}

export const STYLE = `
:host {
  ${colours(LIGHT)}
  display: block;
  min-width: 220px;
  color: var(--_text);
  font: var(--recording-state-font, 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif);
  font-variant-numeric: tabular-nums;
}
@media (prefers-color-scheme: dark) {
  :host(:not([theme="light"])) { ${colours(DARK)} }
}
:host([theme="dark"]) { ${colours(DARK)} }
:host([hidden]), [hidden] { display: none !important; }
*, *::before { box-sizing: border-box; }
.box {
  overflow: hidden;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--recording-state-radius, 10px);
}
.call { --_state: var(--_muted); padding: 12px 14px; border-left: 6px solid var(--_state); }
.call + .call { border-top: 1px solid var(--_line); }
.call.recording { --_state: var(--_recording); }
.call.paused { --_state: var(--_paused); }
.call.stopped { --_state: var(--_stopped); }
.call.unknown { --_state: var(--_unknown); }
.head { display: flex; align-items: center; gap: 10px; color: var(--_state); font-size: 1.45em; font-weight: 680; line-height: 1.2; }
.light { flex: none; width: 16px; height: 16px; }
.recording .light { border-radius: 50%; background: currentColor; }
.paused .light { background: linear-gradient(90deg, currentColor 0 5.5px, transparent 5.5px 10.5px, currentColor 10.5px); }
.stopped .light { border: 3px solid currentColor; border-radius: 3px; }
.unknown .light::before { content: "?"; display: grid; place-items: center; font-weight: 800; font-size: 19px; line-height: 16px; }
.none .light { height: 3px; background: currentColor; }
.about { margin-top: 2px; color: var(--_muted); }
.about:empty { display: none; }
.step { margin-top: 8px; font-weight: 600; }
.step.bad { color: var(--_bad); }
.step.open::before {
  content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 7px;
  border: 2px solid currentColor; border-right-color: transparent; border-radius: 50%;
}
.buttons, .reasons { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.buttons:empty { display: none; }
button {
  font: inherit; font-weight: 600; padding: 6px 13px; color: var(--_text); cursor: pointer;
  background: var(--_surface); border: 1px solid var(--_line); border-radius: 7px;
}
button.first { color: var(--_accent-text); background: var(--_accent); border-color: var(--_accent); }
button:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
fieldset { margin: 10px 0 0; padding: 0; border: 0; }
legend { padding: 0; color: var(--_muted); }
small { display: block; margin-top: 8px; color: var(--_muted); font-size: 0.86em; }
.held { padding: 8px 14px 10px; border-top: 1px solid var(--_line); }
.held .title { margin: 0 0 2px; font-size: 0.86em; font-weight: 600; color: var(--_muted); }
.held .call { padding: 4px 0 4px 10px; border-left-width: 4px; border-top: 0; }
.held .head { font-size: 1em; }
.held .light { width: 11px; height: 11px; transform-origin: left; }
.held .paused .light { background: linear-gradient(90deg, currentColor 0 4px, transparent 4px 7px, currentColor 7px); }
.held .stopped .light { border-width: 2px; }
.held .unknown .light::before { font-size: 13px; line-height: 11px; }
.said { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: no-preference) {
  .step.open::before { animation: turn 1s linear infinite; }
  @keyframes turn { to { transform: rotate(1turn); } }
}
`;
