// The job in Node: a plain inspect over the unix socket, and the official generic client. ENDPOINT REFERENCE
'use strict';

const http = require('http');
const { default: Client, Config, OpenApiRequest, Params } = require('@alicloud/openapi-client');
const { default: Util, RuntimeOptions } = require('@alicloud/tea-util');

function inspect(reference) {
  return new Promise((resolve, reject) => {
    const socketPath = process.env.DOCKER_HOST.replace('unix://', '');
    http.get({ socketPath, path: `/images/${encodeURIComponent(reference)}/json` }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString())));
    }).on('error', reject);
  });
}

async function main() {
  const [endpoint, reference] = process.argv.slice(2);
  const colon = reference.lastIndexOf(':');
  const names = reference.slice(0, colon).split('/').slice(1);
  const image = await inspect(reference);
  const client = new Client(new Config({
    accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
    accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
    endpoint: new URL(endpoint).host,
    protocol: 'http',
  }));
  const operation = new Params({
    action: 'CreateJenkinsImageScanTask',
    version: '2018-12-03',
    protocol: 'HTTP',
    pathname: '/',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    reqBodyType: 'formData',
    bodyType: 'json',
  });
  const body = {
    Token: process.env.JENKINS_SCAN_TOKEN,
    RepoName: names[names.length - 1],
    Namespace: names.slice(0, -1).join('/'),
    Tag: reference.slice(colon + 1),
    ImageId: image.Id.replace('sha256:', ''),
    ImageSize: String(image.Size),
  };
  // By itself it sends the form in chunks, which the sandbox's server does not take.
  const headers = { 'content-length': String(Buffer.byteLength(Util.toFormString(body))) };
  const answer = await client.callApi(operation, new OpenApiRequest({ body, headers }), new RuntimeOptions({}));
  console.log(answer.body.Data.TaskId);
}

main().catch((problem) => {
  console.error(problem);
  process.exitCode = 1;
});
