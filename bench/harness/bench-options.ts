/** What all cases of one run share. */
export interface BenchOptions {
  /** For files that the load generators read. Removed after the run. */
  readonly workDirectory: string;
  /** Holds the models of `bench-repository.ts`. Removed after the run. */
  readonly repository: string;
  /** The sample models of the project. */
  readonly sampleRepository: string;
  /** Times that each case measures the server and its baseline. */
  readonly roundCount: number;
  /** Length of one measurement. */
  readonly roundSeconds: number;
  /** Load before the first measurement, for compilers and caches. */
  readonly warmUpSeconds: number;
}
