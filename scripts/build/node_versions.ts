/** The oldest Node that the build is for: the first with node:sqlite without a flag. */
export const OLDEST_NODE = "22.13.0";

/** The Node that goes into single executables and into the container image. */
export const BUNDLED_NODE = "24.21.0";
