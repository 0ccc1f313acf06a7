// What UploadThing's own SDK makes of the questions on standard input: lines of JSON, answered line by line.
// node sdk.mjs FOLDER/node_modules
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const load = (path) => import(pathToFileURL(`${process.argv[2]}/${path}`).href);
const { generateKey, generateSignedURL, verifyKey, verifySignature } = await load("@uploadthing/shared/dist/index.js");
const Micro = await load("effect/dist/esm/Micro.js");
const Redacted = await load("effect/dist/esm/Redacted.js");

const SEED = 36; // letters of the SDK's own, after the app's
const now = Date.now;

const acts = {
  prefix: async ({ app }) =>
    (await Micro.runPromise(generateKey({ name: "x", size: 1, type: "y" }, app, () => ["seed"]))).slice(0, -SEED),
  isKeyOf: ({ app, key }) => Micro.runPromise(verifyKey(key, app)),
  signed: async ({ url, secret, expires, data }) => {
    Date.now = () => expires - 3600_000;
    const made = await Micro.runPromise(generateSignedURL(url, Redacted.make(secret), { data }));
    Date.now = now;
    return made;
  },
  isSigned: ({ body, signature, secret }) => Micro.runPromise(verifySignature(body, signature, Redacted.make(secret))),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...asked } = JSON.parse(line);
  console.log(JSON.stringify(await acts[act](asked)));
}
