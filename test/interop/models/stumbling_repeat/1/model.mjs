// Each element of IN is a response; a negative one is an error in the place of a response.
export async function execute(requests) {
  for (const request of requests) {
    for (const value of request.input("IN").as("INT32")) {
      if (value >= 0) await request.respond({ outputs: { OUT: value } });
      else
        await request.fail(Object.assign(new Error(`stumbled over ${value}`), { code: "INVALID_ARG" }), {
          isFinal: false,
        });
    }
    request.end();
  }
}
