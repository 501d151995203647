/**
 * The cometd npm client: subscribes after every handshake and tells all it sees.
 *
 * Options: {url, user, password, channels, ack}.
 */
import * as cometd from "cometd";
import { adapt } from "cometd-nodejs-client";

import { obey, options, say } from "./control.js";

console.log = console.error; // stdout is for JSON lines
adapt();

const client = new cometd.CometD();
const login = Buffer.from(`${options.user}:${options.password}`).toString("base64");
client.configure({ url: options.url, requestHeaders: { Authorization: `Basic ${login}` } });
client.unregisterTransport("websocket");
if (options.ack) client.registerExtension("ack", new cometd.AckExtension());

function subscribe(channel) {
  client.subscribe(
    channel,
    (message) => say({ event: "message", channel: message.channel, data: message.data }),
    (reply) => say({ event: "subscribed", channel, successful: reply.successful }),
  );
}

for (const name of ["handshake", "connect", "disconnect", "unsuccessful"]) {
  client.addListener(`/meta/${name}`, (message) => {
    say({ event: "meta", channel: `/meta/${name}`, successful: message.successful, message });
  });
}
client.addListener("/meta/handshake", ({ successful }) => {
  if (successful) options.channels.forEach(subscribe);
});

obey({
  subscribe: ({ channel }) => subscribe(channel),
  disconnect: () => new Promise((resolve) => client.disconnect(() => resolve())),
});
client.handshake();
