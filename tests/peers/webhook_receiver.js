/** Verifies webhooks with the standardwebhooks package, as a receiver would. */
import { Webhook } from "standardwebhooks";
import { obey, options, say } from "./control.js";

const webhook = new Webhook(options.secret);

obey({
  verify: ({ body, headers }) => {
    try {
      return { event: webhook.verify(body, headers) };
    } catch (error) {
      return { refused: String(error) };
    }
  },
});

say({ event: "ready" });
