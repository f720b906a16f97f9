-- wrk ... -s post-body.lua URL -- BODY_FILE [body-bytes=N] [NAME:VALUE ...]
-- Posts the file's bytes with the given headers and prints one line of JSON at the end. There is no request or
-- response function on purpose: wrk then formats the request once and stays in C, and counts bad statuses itself.
-- With body-bytes the file holds several bodies of that length, which take turns: that costs a call into Lua for each.

local function take_turns(bodies)
  local next = 0
  return function()
    next = next % #bodies + 1
    return bodies[next]
  end
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  local bytes
  for i = 2, #args do
    local name, value = args[i]:match("^([^:]+):(.*)$")
    if name then wrk.headers[name] = value else bytes = tonumber(args[i]:match("^body%-bytes=(%d+)$")) end
  end
  if bytes then
    local bodies = {}
    for at = 1, #wrk.body, bytes do
      bodies[#bodies + 1] = wrk.format(nil, nil, nil, wrk.body:sub(at, at + bytes - 1))
    end
    request = take_turns(bodies)
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
