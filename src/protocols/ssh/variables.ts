/** Variables that make a program load or run something of the caller's (D6): never passed on, whatever the policy. */
const INJECTIONS =
  /^(?:LD_|DYLD_|GCONV_PATH$|LOCPATH$|BASH_|ENV$|SHELLOPTS$|PS4$|PROMPT_COMMAND$|IFS$|PATH$|CDPATH$|GLOBIGNORE$|GIT_(?!PROTOCOL$)|SSH_|PERL|PYTHON|RUBY|NODE_|JAVA_TOOL_OPTIONS$|_JAVA_OPTIONS$|JDK_JAVA_OPTIONS$|MALLOC_|HOSTALIASES$|NLSPATH$|RES_OPTIONS$|TMPDIR$|EDITOR$|VISUAL$|PAGER$|MANPAGER$|LESS|BROWSER$|SHELL$|HOME$|USER$|LOGNAME$|SUDO_|TERMINFO|TERMCAP$|ZDOTDIR$|KRB5|RUNPATH$)/

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** True for a name no rule can allow: it is no name, or makes programs run what the caller chose. */
export function isInjection(name: string): boolean {
  return !NAME.test(name) || INJECTIONS.test(name)
}
