/** What activations are called. */
const TITLES: Readonly<Record<string, string>> = {
  relu: 'ReLU',
  relu6: 'ReLU6',
  gelu: 'GELU',
  silu: 'SiLU',
  elu: 'ELU',
  selu: 'SELU',
};

/** An activation as people write it: `gelu` is GELU, `gated-silu` gated SiLU. */
export function activationTitle(activation: string): string {
  const gated = activation.startsWith('gated-');
  const bare = gated ? activation.slice(6) : activation;
  const title = bare
    .split('-')
    .map((word) => TITLES[word] ?? word)
    .join(' ');
  return gated ? `gated ${title}` : title;
}
