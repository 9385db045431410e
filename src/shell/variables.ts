/** Variables a program may be given without changing what it does, only how it speaks. */
const HARMLESS =
  /^(LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|COLUMNS|LINES|NO_COLOR|CLICOLOR|CLICOLOR_FORCE|FORCE_COLOR|DEBIAN_FRONTEND)$/

/** True for a variable that changes nothing of what a program does. Any other could: `LD_PRELOAD` and its kin have no end. */
export function isHarmlessInEnvironment(name: string): boolean {
  return HARMLESS.test(name)
}

/** Variables shells and the programs they start act on, whether or not they were in the environment before. */
const MEANINGFUL =
  /^(PATH|IFS|S?RANDOM|SECONDS|LINENO|EPOCH.*|PWD|OLDPWD|_|HOME|ENV|BASH.*|SHELL.*|PS[0-4]|PROMPT.*|CDPATH|FPATH|GLOBIGNORE|HIST.*|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|TMP|TEMP|TMPDIR|EDITOR|VISUAL|PAGER|MANPAGER|BROWSER|LESS.*|GREP_.*|TAR_OPTIONS|GZIP|BZIP.?|XZ_.*|ZSTD_.*|RSYNC_.*|GIT_.*|SSH_.*|SUDO_.*|PERL.*|PYTHON.*|RUBY.*|NODE_.*|NPM_.*|JAVA_.*|JDK_.*|_JAVA_.*|CLASSPATH|LUA_.*|PHP.*|GEM_.*|BUNDLE_.*|PG.*|PSQL.*|MYSQL_.*|AWS_.*|GOOGLE_.*|AZURE_.*|KUBE.*|HELM_.*|TF_.*|DOCKER_.*|ANSIBLE_.*|SYSTEMD_.*|AWKPATH|AWKLIBPATH|POSIXLY_CORRECT|DISPLAY|XAUTHORITY|KSH_.*|ZDOTDIR|FCEDIT|INPUTRC|MAIL.*|TERMINFO.*|TERMCAP|NULLCMD|READNULLCMD|OPT(ARG|IND|ERR)|DIRSTACK|FUNCNAME|GROUPS|PIPESTATUS|MAPFILE|COPROC|COMPREPLY|EXECIGNORE|COMP_.*|FUNCNEST|.*_OPTIONS|.*_OPTS|.*_(PRELOAD|PATH|HOME|EDITOR|PAGER|COMMAND|PROXY)|[a-z]*_proxy|argv|path|fpath|cdpath|module_path|precmd|preexec|chpwd|periodic)$/

/** True for a variable that, set in the shell itself, could change what later commands do. */
export function isMeaningfulToShells(name: string): boolean {
  return MEANINGFUL.test(name)
}
