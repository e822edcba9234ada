// Starts Azurite as part of the local cloud, with three things that it lacks:
// 1. it ends with the supervisor (see local/lifeline.py);
// 2. a server-side copy between accounts works by their names. Azurite verifies the copy source by comparing
//    hosts and calling the source's URL; here every account has a host of its own, as in Azure, and those
//    names exist only behind the proxy. So the same question is put to our own port instead;
// 3. a table transaction works when the account is in the host: Azurite looks for the table's name in the
//    second segment of the path, where it stands only when the account is the first.
"use strict";

const https = require("node:https");
const net = require("node:net");
const { URL } = require("node:url");
const BlobHandler = require("azurite/dist/src/blob/handlers/BlobHandler").default;
const { BatchSerialization } = require("azurite/dist/src/table/batch/BatchSerialization");
const StorageErrorFactory = require("azurite/dist/src/blob/errors/StorageErrorFactory").default;

const GRACE_MS = 3000; // Azurite writes its tables to disk when it is asked to end

function endWithSupervisor() {
  const fd = process.env.GREENLIGHT_LOCAL_LIFELINE;
  if (!fd) return;
  const lifeline = new net.Socket({ fd: Number(fd), readable: true, writable: false });
  lifeline.unref();
  lifeline.resume();
  lifeline.once("end", () => {
    setTimeout(() => process.exit(0), GRACE_MS);
    process.kill(process.pid, "SIGTERM");
  });
}

// Accounts of this Azurite differ in the first label of their host only.
function sameAzurite(host, source) {
  const domain = (name) => name.slice(name.indexOf("."));
  return source.protocol === "https:" && (source.host === host || domain(source.host) === domain(host));
}

function ask(source, port, authorization) {
  const url = new URL(source);
  url.searchParams.set("comp", "metadata");
  const headers = { host: url.host, "x-ms-version": "2021-12-02" };
  if (authorization) headers.authorization = authorization;
  const options = {
    host: "127.0.0.1", port, path: url.pathname + url.search, servername: url.hostname, headers, agent: false,
  };
  return new Promise((resolve, reject) => {
    const request = https.get(options, (response) => {
      if (response.statusCode === 200) {
        resolve({ status: 200, text: "" });
        response.destroy(); // it is the whole blob
        return;
      }
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    request.on("error", reject);
  });
}

BlobHandler.prototype.validateCopySource = async function validateCopySource(copySource, _account, context) {
  const source = new URL(copySource);
  const refuse = (status, message) =>
    StorageErrorFactory.getCannotVerifyCopySource(context.contextId, status, message);
  if (!sameAzurite(context.request.getHeader("Host") || "", source)) {
    throw refuse(404, "The specified resource does not exist");
  }
  const port = process.env.GREENLIGHT_AZURITE_BLOB_PORT;
  const answer = await ask(source, port, context.request.getHeader("x-ms-copy-source-authorization"));
  if (answer.status === 200) return;
  const said = /<Message>([^<]*)/.exec(answer.text);
  throw refuse(answer.status, said ? said[1].replace(/\n+/g, "") : "The specified resource does not exist");
};

BatchSerialization.prototype.extractPath = function extractPath(uri) {
  const { hostname, pathname } = new URL(uri);
  const accountInHost = hostname.includes(".") && !net.isIP(hostname);
  return pathname.match(accountInHost ? /^\/(\w+)/ : /^\/\w+\/(\w+)/);
};

endWithSupervisor();
require("azurite/dist/src/azurite");
