//! Changes said as JSON Patch or FHIRPath Patch.
