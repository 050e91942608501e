/** Trusted Types where the browser has them. TypeScript's library does not describe them yet, hence the parsing. */

export interface Policy {
  createHTML(text: string): string;
  createScriptURL(text: string): string;
}

type Rules = Partial<Policy>;

interface Factory {
  createPolicy(name: string, rules: Rules): Policy;
}

/** Create the policy `name`; a rule that is missing refuses everything. Without Trusted Types the rules run alone. */
export function createPolicy(scope: object, name: string, rules: Rules): Policy {
  const factory = findFactory(scope);
  if (factory) return factory.createPolicy(name, rules);
  const refuse = (): never => {
    throw new TypeError(`policy ${name} refuses this`);
  };
  return { createHTML: rules.createHTML ?? refuse, createScriptURL: rules.createScriptURL ?? refuse };
}

/** Claim policy names that the page's CSP allows, so that injected code cannot. */
export function claimPolicies(scope: object, names: readonly string[]): void {
  for (const name of names) findFactory(scope)?.createPolicy(name, {});
}

function findFactory(scope: object): Factory | undefined {
  return Reflect.get(scope, "trustedTypes") as Factory | undefined;
}
