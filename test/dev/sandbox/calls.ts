// What the sandbox's tests share: opening one for a test, calling it, looking at what came.
import { onTestFinished } from "vitest";
import { openSandbox, type Sandbox, type SandboxOptions } from "../../../src/dev/sandbox/sandbox.ts";

/** Tiny images unless told otherwise: most tests ask what is sent, not how it looks. */
export async function openTestSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await openSandbox({ imageScale: 0.02, ...options });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** A call with the one field that is required beside the model. */
export function generate(sandbox: Sandbox, fields: object = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${sandbox.url}/images/generations`, {
    method: "POST",
    body: JSON.stringify({ model: "Qwen/Qwen-Image", prompt: "a red fox", ...fields }),
    signal: AbortSignal.timeout(10_000),
    ...init,
    headers: { authorization: "Bearer key", "content-type": "application/json", ...init.headers },
  });
}

export interface GenerationBody {
  created: number;
  data: { url?: string; b64_json?: string }[];
  usage: object;
}

/** The images of a call that must succeed. */
export async function generateImages(sandbox: Sandbox, fields: object = {}): Promise<GenerationBody["data"]> {
  const response = await generate(sandbox, fields);
  if (!response.ok) throw new Error(`Got ${response.status}: ${await response.text()}`);
  return ((await response.json()) as GenerationBody).data;
}

/** The URL of the one image of a call. */
export async function generateUrl(sandbox: Sandbox, fields: object = {}): Promise<string> {
  const [image] = await generateImages(sandbox, fields);
  if (image?.url === undefined) throw new Error("Got no URL");
  return image.url;
}

/** The bytes behind a URL. */
export async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`Got ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** An error's body and status in one. */
export async function readError(response: Response) {
  const body = (await response.json()) as { error: { code: string; type: string; message: string; param: string } };
  return { status: response.status, ...body.error };
}
