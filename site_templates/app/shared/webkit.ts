/** Whether the browser's engine is WebKit: Safari, every browser on iOS, and WebKitGTK; Chromium names itself beside. */
export function isWebKit(userAgent: string): boolean {
  return /AppleWebKit\//.test(userAgent) && !/Chrom(?:e|ium)\//.test(userAgent);
}
