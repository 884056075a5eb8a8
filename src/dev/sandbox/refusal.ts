// How the API says no: one form for every error, and the ones it has. Pure.

/** An error answer before it is sent. */
export interface Refusal {
  status: number;
  code: string;
  type: string;
  message: string;
  retryAfterMs?: number;
}

/** The body of an error: `param` carries the request id, as the API's document has it. */
export function toErrorBody(refusal: Refusal, requestId: string): object {
  const { message, type, code } = refusal;
  return { error: { message, type, param: requestId, code } };
}

/** A parameter that does not fit. */
export function invalidParameter(message: string): Refusal {
  return { status: 400, code: "invalid_parameter", type: "invalid_request_error", message };
}

// status: code, type, message. Codes are ours where the API's document names none
const REFUSALS: Readonly<Record<number, readonly [code: string, type: string, message: string]>> = {
  400: ["invalid_request", "invalid_request_error", "The request is invalid"],
  401: ["invalid_api_key", "authentication_error", "Incorrect API key provided"],
  402: ["insufficient_balance", "billing_error", "The account balance is used up"],
  403: ["permission_denied", "permission_error", "This key may not use this model"],
  404: ["not_found", "invalid_request_error", "There is nothing at this address"],
  405: ["method_not_allowed", "invalid_request_error", "This address does not know this method"],
  408: ["request_timeout", "server_error", "The request took too long"],
  409: ["conflict", "invalid_request_error", "The request is in conflict with another"],
  413: ["request_too_large", "invalid_request_error", "The request is too large"],
  429: ["rate_limit_exceeded", "rate_limit_error", "Too many requests, slow down"],
  500: ["internal_error", "server_error", "The server had an error while making the image"],
  503: ["service_unavailable", "server_error", "The service is overloaded, try again later"],
};

/** The usual error of a status. */
export function refuse(status: number, message?: string): Refusal {
  const fallback = ["error", status >= 500 ? "server_error" : "invalid_request_error", `Status ${status}`] as const;
  const [code, type, usual] = REFUSALS[status] ?? fallback;
  return { status, code, type, message: message ?? usual };
}
