import importX, { createNodeResolver } from "eslint-plugin-import-x";
import nodePlugin from "eslint-plugin-n";
import tseslint from "typescript-eslint";

/** One zone per layer: what the files under `target` must not import. See docs/architecture.md. */
const zones = [
  { target: "./server/core", from: "./server", except: ["./core"] },
  { target: "./server/core", from: "./backends" },
  { target: "./server/core", from: "./schedulers" },
  { target: "./backends", from: "./server", except: ["./core", "./model-config"] },
  { target: "./backends", from: "./schedulers" },
  { target: "./schedulers", from: "./server", except: ["./core", "./model-config"] },
  { target: "./schedulers", from: "./backends" },
  { target: "./server/http", from: "./server/grpc" },
  { target: "./server/grpc", from: "./server/http" },
  { target: "./server/model-config", from: "./server", except: ["./core", "./model-config"] },
  { target: "./server/model", from: "./server/http" },
  { target: "./server/model", from: "./server/grpc" },
  { target: "./server/model", from: "./server/repository" },
  { target: "./server/repository", from: "./server/http" },
  { target: "./server/repository", from: "./server/grpc" },
  { target: "./perf_analyzer", from: "./server", except: ["./core"] },
  { target: "./perf_analyzer", from: "./backends" },
  { target: "./perf_analyzer", from: "./schedulers" },
  { target: "./perf_analyzer", from: "./tune" },
  // Tuning drives server and perf_analyzer as processes; of their code it uses configs, options, tables and drawings.
  { target: "./tune", from: "./server", except: ["./model-config", "./logging/table.ts"] },
  { target: "./tune", from: "./perf_analyzer", except: ["./options", "./report/html"] },
  { target: "./tune", from: "./backends" },
  { target: "./tune", from: "./schedulers" },
];

/**
 * perf_analyzer shares nothing with the server, so that it finds the server's mistakes. What measures the server without a
 * network has to embed it: these files, and nothing else there, may use its public interface.
 */
const embeddingZones = zones.map((zone) =>
  zone.target === "./perf_analyzer" && zone.from === "./server"
    ? { ...zone, except: [...zone.except, "./index.ts"] }
    : zone,
);

export default tseslint.config(
  { ignores: ["dist/", "protos/gen/", "**/*.gen.ts", ".venv/", ".tensorflow/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { "import-x": importX, n: nodePlugin },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { "import-x/resolver-next": [createNodeResolver({ extensions: [".ts"] })] },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      // The compiler option noPropertyAccessFromIndexSignature asks for the bracket form.
      "@typescript-eslint/dot-notation": "off",
      "import-x/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones }],
      "import-x/no-cycle": "error",
      "import-x/no-default-export": "error",
      "n/no-process-env": "error",
      "max-lines": ["error", { max: 500, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 80, skipBlankLines: true, skipComments: true }],
      complexity: ["error", 20],
      "max-params": ["error", 5],
    },
  },
  {
    // Index loops bounded by the length they read: the check would cost a branch per element.
    files: [
      "server/core/fixed-queue.ts",
      "server/core/bytes-elements.ts",
      "**/codec/*.ts",
      "backends/worker/*.ts",
      "backends/*/kernels/*.ts",
      "bench/**/*.ts",
      "test/**/*.ts",
    ],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    files: ["perf_analyzer/client-backend/in-process/*.ts"],
    rules: {
      "import-x/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones: embeddingZones }],
    },
  },
  // The one place where the environment is read.
  { files: ["server/main.ts"], rules: { "n/no-process-env": "off" } },
  {
    files: ["test/**/*.ts", "bench/**/*.ts", "tools/**/*.ts"],
    rules: {
      "max-lines-per-function": "off",
      "n/no-process-env": "off",
      // mocha's describe and it return values that nobody awaits.
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: ["describe", "it"] }],
      "@typescript-eslint/explicit-module-boundary-types": "off",
    },
  },
);
