/**
 * From 1.30 on ONNX Runtime tells its makers about every process that loads it, unless this is set when its library
 * starts: it keeps a database in the cache folder, writes a log into the folder for temporary files and calls out over
 * HTTPS. What a platform runs is nobody's business but its operator's, who may still set it otherwise.
 *
 * To be imported before `onnxruntime-node` is, and by the thread that starts the one that imports it: a thread's own
 * `process.env` is a copy that native code does not see.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
