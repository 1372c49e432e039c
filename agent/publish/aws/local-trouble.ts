/** Why no answer came from AWS, with what the user can do. The first row that knows the error says it. */
export const LOCAL_TROUBLE: readonly {
  readonly is: (error: Error, code: string) => boolean
  readonly why: string
  readonly credentials?: true
}[] = [
  {
    // Says the SDK's region provider; it has neither a name nor a code.
    is: ({ message }) => message === "Region is missing",
    why: "No AWS region is set: set AWS_REGION, or `region` of the profile, and start the agent again",
  },
  {
    is: ({ name, message }) =>
      name === "CredentialsProviderError" ||
      name === "ProviderError" ||
      name === "TokenProviderError" ||
      /credential is (?:missing|not valid)/i.test(message),
    why: "No AWS credentials are found: give the agent's pod, task or machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    credentials: true,
  },
  {
    is: (_, code) => code === "ENOTFOUND" || code === "EAI_AGAIN",
    why: "The name of AWS's endpoint cannot be resolved: check DNS and the region",
  },
  {
    is: (_, code) => /^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|ERR_SSL|EPROTO)/.test(code),
    why: "The endpoint's certificate is not trusted: name its authority in NODE_EXTRA_CA_CERTS if a proxy stands between, and start the agent again",
  },
  {
    is: ({ name }, code) => name === "AbortError" || code === "ETIMEDOUT" || code === "ESOCKETTIMEDOUT",
    why: "AWS did not answer in time",
  },
  {
    is: (_, code) => /^E[A-Z]+$/.test(code),
    why: "AWS cannot be reached: check routes, security groups and VPC endpoints",
  },
]
