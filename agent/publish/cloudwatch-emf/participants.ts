/** Under these keys state is kept; where nothing is told any more, they are to be left (`Ledger.leave`). */
export const EMF_PARTICIPANTS = ["cloudwatch-emf/sent", "cloudwatch-emf/cap"] as const
