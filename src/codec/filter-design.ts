// Windowed-sinc low-pass filters: Kaiser's window gives a chosen stop band from a chosen length (Oppenheim & Schafer §7.5).

/** Zeroth-order modified Bessel function of the first kind, by its power series. */
function bessel0(x: number): number {
  let sum = 1;
  for (let k = 1, term = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Kaiser's β for a stop band that many dB down. */
function kaiserBeta(attenuationDb: number): number {
  return attenuationDb > 50 ? 0.1102 * (attenuationDb - 8.7) : 0.5842 * (attenuationDb - 21) ** 0.4 + 0.07886 * (attenuationDb - 21);
}

/**
 * The impulse response of an ideal low-pass, windowed, `at` samples from its centre.
 * `cutoff` is its −6 dB point as a share of the sample rate, `reach` where the window ends on either side.
 */
export function lowPass(cutoff: number, reach: number, attenuationDb: number): (at: number) => number {
  const beta = kaiserBeta(attenuationDb);
  const scale = 1 / bessel0(beta);
  return (at) => {
    const u = at / reach;
    if (u <= -1 || u >= 1) return 0;
    const x = 2 * cutoff * at;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return 2 * cutoff * sinc * bessel0(beta * Math.sqrt(1 - u * u)) * scale;
  };
}
