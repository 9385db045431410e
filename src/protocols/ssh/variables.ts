import { isMeaningfulToShells } from '../../shell/variables.ts'

/** Variables that say how text is shown (D6): nothing runs differently by them. `GIT_PROTOCOL` picks a version of git's own protocol. */
const SHOWN = /^(?:LANG|LC_[A-Z]+|LANGUAGE|TERM|COLORTERM|NO_COLOR|CLICOLOR|CLICOLOR_FORCE|FORCE_COLOR|GIT_PROTOCOL)$/
/** Their values: names of locales, terminals, versions. With a slash in it a library takes a name for a path and reads what lies there. */
const PLAIN = /^[A-Za-z0-9._@:+=, -]{0,255}$/

/**
 * Variables that make a common program run, load or read what the caller chose, or connect where they chose (D6): never passed on, whatever a
 * policy says. Beside those shells act on. The list is no boundary: what a resource does not name is not passed on either.
 */
const INJECTIONS = new RegExp(
  `^(?:${[
    // Loaders, C libraries and allocators, resolvers.
    'LD_.*|DYLD_.*|_RLD.*|LIBPATH|SHLIB_PATH|GLIBC_TUNABLES|MALLOC_.*|GCONV_PATH|LOCPATH|NLSPATH|CHARSET|TZDIR|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN|RESOLV_.*|GETCONF_DIR|NIS_PATH|RUNPATH|ASAN_.*|[A-Z]+SAN_OPTIONS',
    // Shells and terminals.
    'ENV|BASH.*|SHELL.*|POSIXLY_CORRECT|PATH|IFS|CDPATH|FPATH|GLOBIGNORE|EXECIGNORE|PS[0-4]|PROMPT.*|HIST.*|INPUTRC|ZDOTDIR|TERMINFO.*|TERMCAP|TERMPATH|TMPDIR|TMP|TEMP|TMUX.*|SCREENRC|SYSSCREENRC|FZF_.*',
    // Who one is, and where one's files are.
    'HOME|USER|LOGNAME|USERNAME|MAIL.*|XDG_.*|DISPLAY|WAYLAND_.*|XAUTHORITY|ICEAUTHORITY|DBUS_.*|SESSION_MANAGER|GTK.*|QT_.*|SSH_.*|SUDO_.*|GPG_.*|GNUPGHOME|PINENTRY.*|NOTIFY_SOCKET|LISTEN_.*|CREDENTIALS_DIRECTORY|SYSTEMD.*|INVOCATION_ID',
    // Pagers, editors, browsers.
    'EDITOR|VISUAL|FCEDIT|PAGER|.*_PAGER|.*PAGER|.*EDITOR|BROWSER|LESS.*|MORE|MOST_.*|BAT_.*|DELTA_.*|MAN.*|GROFF.*|TROFF.*|VIM.*|VIMINIT|EXINIT|GVIMINIT|MYVIMRC|NVIM.*|EMACS.*|NANO.*|ED',
    // Options programs take from their surroundings, and files they take them from.
    '.*_OPTIONS|.*_OPTS|.*OPTS|.*_FLAGS|.*FLAGS|TAR_.*|TAPE|RSH|RSYNC_.*|GREP_.*|RIPGREP_.*|ACK_.*|AG_.*|GZIP|BZIP.?|XZ_.*|ZSTD_.*|LZMA_.*|ZIPOPT|UNZIP.*|ZIPINFO.*|CURL_.*|WGET.*|.*RC|LS_OPTIONS|BLOCK_SIZE|DIRCOLORS|LYNX_.*|WWW_.*|LFTP_.*|CVS.*|SVN_.*|HG.*|BZR.*|GIT_.*|GH_.*|JQ_.*|LOGROTATE.*',
    // TLS, Kerberos, proxies, and where clients connect.
    'SSL.*|OPENSSL_.*|GNUTLS_.*|NSS_.*|KRB5.*|GSS.*|REQUESTS_CA_BUNDLE|PIP_.*|UV_.*|.*_PROXY|[a-z]*_proxy|SOCKS.*|PG.*|PSQL.*|MYSQL.*|MARIADB_.*|REDIS.*|MONGO.*|SQLITE.*|ORACLE.*|TNS_ADMIN|TWO_TASK|LDAP.*|ODBC.*|FREETDS.*|TDS.*|DSQUERY|AWS_.*|GOOGLE_.*|GCLOUD.*|CLOUDSDK_.*|AZURE_.*|ARM_.*|OCI_.*|VAULT_.*|CONSUL_.*|NOMAD_.*|ETCDCTL.*|KUBE.*|HELM_.*|TF_.*|TERRAFORM.*|PULUMI_.*|DOCKER_.*|CONTAINER.*|BUILDAH.*|PODMAN.*|REGISTRY_.*|ANSIBLE_.*|CHEF.*|PUPPET.*|FACTER.*|SALT_.*|SLUICE_.*',
    // Interpreters and what builds.
    'PERL.*|PYTHON.*|PY_.*|VIRTUAL_ENV|CONDA_.*|RUBY.*|RUBYOPT|GEM_.*|BUNDLE_.*|RBENV_.*|NODE.*|NPM_.*|npm_.*|YARN_.*|COREPACK_.*|DENO_.*|BUN_.*|JAVA.*|_JAVA_.*|JDK_.*|JRE_.*|JVM_.*|CLASSPATH|MAVEN_.*|M2_.*|GRADLE_.*|SCALA_.*|SBT_.*|KOTLIN_.*|CLJ_.*|GROOVY_.*|LUA.*|PHP.*|COMPOSER.*|R_.*|RSTUDIO.*|JULIA_.*|GUILE.*|SCHEME.*|TCL.*|TK_.*|EXPECT.*|AWK.*|GAWK.*|OCAML.*|CAML.*|OPAM.*|GHC.*|STACK_.*|ERL_.*|ELIXIR_.*|MIX_.*|DOTNET_.*|COMPLUS_.*|CORECLR_.*|MONO_.*|NUGET_.*|GO[A-Z]*|CGO_.*|CARGO.*|RUST.*|CC|CXX|CPP|LD|AR|AS|FC|NM|RANLIB|STRIP|CCACHE_.*|DISTCC_.*|GCC_.*|COMPILER_PATH|LIBRARY_PATH|CPATH|.*_INCLUDE_PATH|MAKE.*|MFLAGS|GNUMAKEFLAGS|CMAKE_.*|NINJA.*|AUTOM.*|ACLOCAL.*|LIBTOOL.*|PKG_.*|DEB.*|APT_.*|DPKG_.*|RPM_.*|DH_.*|QUILT_.*|FAKEROOT.*|DEBUGINFOD_.*|GDB.*|STRACE.*|VALGRIND_.*|TEXMF.*|TEXINPUTS|BIBINPUTS|GS_.*|MAGICK_.*|GRAPHVIZ_.*|DOT.*|GVBINDIR|GST_.*|FONTCONFIG_.*',
    // By the shape of their names.
    '.*(?:PRELOAD|PATH|COMMAND|_INIT|STARTUP|_RSH|ASKPASS)',
  ].join('|')})$`,
)

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** What an approver can be shown as it is. */
const PRINTABLE = /^[\x20-\x7e]*$/

/**
 * What becomes of a variable a client asks for. `shown`: it says how text is shown, and passes where rules let a session be. `named`: the
 * resource names it; what programs make of it nobody here knows. `refused`: no rule can allow it.
 */
export function variableKind(name: string, value: Buffer, named: readonly string[]): 'shown' | 'named' | 'refused' {
  const text = value.toString('latin1')
  if (!NAME.test(name)) return 'refused'
  if (SHOWN.test(name)) return PLAIN.test(text) ? 'shown' : 'refused'
  if (INJECTIONS.test(name) || isMeaningfulToShells(name)) return 'refused'
  return named.includes(name) && PRINTABLE.test(text) ? 'named' : 'refused'
}
