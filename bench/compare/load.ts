/** All that the named files of a checkout export, `sip/message/parse` for one. */
export type Load = <T>(...names: string[]) => Promise<T>;
