import type { BackendFacts } from "./backend-autofill.ts";

/** The platform that makes a model an ensemble. */
export const ensemblePlatform = "ensemble";

/** What stands in the place of a backend in a model that no backend runs. */
export const ensembleBackend: BackendFacts = {
  name: "",
  platforms: [ensemblePlatform],
  defaultModelFilename: "",
  defaultCpuInstanceCount: 0,
  executionStyle: "batch",
};
