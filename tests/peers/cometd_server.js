/**
 * The real cometd-nodejs-server inside the little GWS of gws.js.
 *
 * Options: {ack, csrf, users: {name: password} or null for anyone, bayeux: the
 * library's own options, times in ms}.
 */
import cometd from "cometd-nodejs-server";
import ack from "cometd-nodejs-server/ack-extension.js";

import { Armed, options, say } from "./control.js";
import { Gws } from "./gws.js";

class CometdServer {
  #server;
  #sessions = new Map(); // session -> user
  #refused = new Armed();
  #replies = new Armed();

  constructor() {
    this.restart();
  }

  restart() {
    this.#server?.close();
    this.#sessions.clear();
    const server = cometd.createCometDServer(options.bayeux);
    if (options.ack) server.addExtension(new ack.AcknowledgedMessagesExtension());
    server.addExtension({ outgoing: (...args) => this.#alter(...args) });
    server.policy = { canSubscribe: (...args) => this.#judge(...args) };
    server.addListener("sessionAdded", (session) => {
      const { user } = server.context.request.entry;
      this.#sessions.set(session, user);
      say({ event: "handshake", user });
    });
    server.addListener("sessionRemoved", (session) => {
      say({ event: "removed", user: this.#sessions.get(session) });
      this.#sessions.delete(session);
    });
    server.addListener("subscribed", (channel, session) => {
      say({ event: "subscribed", user: this.#sessions.get(session), channel: channel.name });
    });
    this.#server = server;
  }

  handle(request, response, body) {
    try {
      request.body = JSON.parse(body);
    } catch {
      return response.writeHead(400).end();
    }
    return this.#server.handle(request, response);
  }

  commands = {
    publish: ({ user, messages }) => {
      for (const { channel, data } of messages) this.#publish(user, channel, data);
    },
    /** Forgets the sessions; their next request is answered 402. */
    expire: ({ user }) => {
      for (const session of this.#of(user)) {
        // Not public: what the library itself calls when maxInterval has passed.
        this.#server._removeServerSession(session, true);
        session._flush();
      }
    },
    disconnect: ({ user }) => {
      for (const session of this.#of(user)) session.disconnect();
    },
    refuse_subscription: ({ user, channel, count }) => {
      this.#refused.arm(true, { user, channel }, count);
    },
    /** Lays `fields` over the next replies on a meta channel, held polls first. */
    alter_reply: ({ user, channel, fields, count }) => {
      this.#replies.arm(fields, { user, channel }, count);
      for (const session of this.#of(user)) session._flush();
    },
    configure: (changed) => void Object.assign(this.#server.options, changed),
  };

  disarm() {
    this.#refused.disarm();
    this.#replies.disarm();
  }

  #of(user) {
    return [...this.#sessions].filter(([, owner]) => user == null || owner === user).map(([session]) => session);
  }

  #publish(user, name, data) {
    const channel = this.#server.createServerChannel(name);
    if (user == null) return channel.publish(null, data);
    const names = [name, ...channel.wildNames];
    for (const session of this.#of(user)) {
      const isSubscribed = session.subscriptions.some((subscribed) => names.includes(subscribed.name));
      if (isSubscribed) session.deliver(null, name, data);
    }
    return undefined;
  }

  #judge(session, message, channel, callback) {
    const subject = { user: this.#sessions.get(session), channel: channel.name };
    callback(undefined, !this.#refused.take(subject));
  }

  #alter(server, sender, session, message, callback) {
    const subject = { user: this.#sessions.get(session), channel: message.channel };
    Object.assign(message, message.data === undefined ? this.#replies.take(subject) : null);
    callback(undefined, true);
  }
}

await new Gws(new CometdServer()).serve();
