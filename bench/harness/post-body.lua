-- wrk ... -s post-body.lua URL -- BODY_FILE [NAME:VALUE ...]
-- Posts the file's bytes with the given headers and prints one line of JSON at the end. There is no request or
-- response function on purpose: wrk then formats the request once and stays in C, and counts bad statuses itself.

function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  for i = 2, #args do
    local name, value = args[i]:match("^([^:]+):(.*)$")
    wrk.headers[name] = value
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requestCount":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"errorCount":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
