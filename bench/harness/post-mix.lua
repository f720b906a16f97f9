-- wrk ... -s post-mix.lua URL -- HEADER_LENGTH:BODY_FILE ...
-- Posts one body after the other, round and round, over all connections, and prints what post-body.lua prints. Each
-- request is formatted once, before the load begins.

local requests = {}
local next_request = 0

function init(args)
  for i = 1, #args do
    local length, name = args[i]:match("^([^:]+):(.*)$")
    local file = assert(io.open(name, "rb"))
    local headers = { ["Inference-Header-Content-Length"] = length }
    requests[i] = wrk.format("POST", nil, headers, file:read("*a"))
    file:close()
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requestCount":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"errorCount":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
