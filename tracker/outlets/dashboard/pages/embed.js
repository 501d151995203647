/**
 * The agents' light: `<recording-state agent="jdoe"></recording-state>`.
 *
 *     <script type="module" src="https://tracker.example/embed.js"></script>
 *     <recording-state agent="jdoe"></recording-state>
 *
 * Its attributes, properties, events and colours are listed in the README.
 */

import { RecordingState } from "./widget/element.js";

if (!customElements.get("recording-state")) customElements.define("recording-state", RecordingState);

export { RecordingState };
