import type { CommandDocument } from '../../model/commands.ts'

/** What lets git run a program of the caller's choice, whatever the subcommand. */
const RUNS =
  '--upload-pack --receive-pack --exec --ext-diff --textconv --open-files-in-pager -O --template --config --reference --separate-git-dir'

function sub(...[effects, more = {}]: [CommandDocument['effects'], CommandDocument?]): CommandDocument {
  return {
    effects,
    otherOptions: 'harmless',
    ...more,
    options: { [RUNS]: 'unknown', '--pathspec-from-file': 'index', ...more.options },
  }
}

/**
 * git by subcommand; one that is not here may be an alias. What a repository's own settings run (hooks, fsmonitor, filters, textconv)
 * is not in the command: subcommands that call hooks have the effect execute.
 */
export const GIT: CommandDocument = {
  options: {
    '--no-pager --no-optional-locks --literal-pathspecs --no-replace-objects -p --version --bare': 'flag',
    '-C': 'folder',
    '-c --config-env --exec-path --git-dir --work-tree --namespace --paginate': 'unknown',
  },
  bare: ['session'],
  subcommands: {
    'blame annotate': sub(['read'], {
      options: { '--contents --ignore-revs-file -S': 'read', '--output': 'write', '--batch-command': 'unknown' },
    }),
    'status log diff show shortlog describe rev-parse rev-list ls-files ls-tree cat-file show-ref for-each-ref merge-base name-rev whatchanged diff-tree diff-index count-objects var version check-ignore cherry range-diff show-branch':
      sub(['read'], {
        options: {
          '--output': 'write',
          '--exclude-from': 'read',
          '--batch-command --filters --show-signature': 'unknown',
        },
      }),
    grep: sub(['read'], { options: { '-f': 'read', '--no-index --untracked': 'unknown' } }),
    reflog: sub([], { subcommands: { show: sub(['read']), 'expire delete': sub(['delete']) }, bare: ['read'] }),
    'ls-remote': sub(['read', 'connect'], { operands: 'url' }),
    'add mv update-index apply': sub(['read', 'write'], {
      options: { '-i --interactive -p --patch -e --edit': 'unknown' },
    }),
    'rm clean': sub(['delete']),
    'commit merge am cherry-pick revert checkout switch restore': sub(['read', 'write', 'execute'], {
      options: { '-S --gpg-sign -e --edit -p --patch': 'unknown' },
    }),
    rebase: sub(['read', 'write', 'delete', 'execute'], {
      options: { '-x -i --interactive -S --gpg-sign': 'unknown' },
    }),
    reset: sub(['write'], { options: { '--hard --merge --keep': { effects: ['delete'] }, '-p --patch': 'unknown' } }),
    stash: sub([], {
      subcommands: {
        'list show': sub(['read']),
        'push save apply pop store create branch': sub(['read', 'write', 'delete'], {
          options: { '-p --patch': 'unknown' },
        }),
        'drop clear': sub(['delete']),
      },
      bare: ['read', 'write'],
    }),
    branch: sub(['read', 'write'], {
      options: { '-d -D --delete -M --force -f': { effects: ['delete'] }, '--edit-description': 'unknown' },
      bare: ['read'],
    }),
    tag: sub(['read', 'write'], {
      options: { '-d --delete -f --force': { effects: ['delete'] }, '-s -u --sign --local-user -a': 'unknown' },
      bare: ['read'],
    }),
    'clone fetch': sub(['connect', 'import', 'write'], {
      options: {
        '-u -c --recurse-submodules --recursive': 'unknown',
        '-p --prune --force -f': { effects: ['delete'] },
      },
    }),
    pull: sub(['connect', 'import', 'write', 'execute']),
    push: sub(['connect', 'export', 'write', 'execute'], {
      options: {
        '-f --force --force-with-lease --mirror --prune -d --delete': { takes: 'maybe', effects: ['delete'] },
        '-o --push-option': 'text',
      },
    }),
    remote: sub([], {
      bare: ['read'],
      subcommands: {
        'show get-url': sub(['read', 'connect']),
        'add set-url rename set-branches set-head': sub(['write']),
        'remove rm prune': sub(['delete']),
      },
    }),
    config: {
      effects: ['define', 'write', 'execute'],
      otherOptions: 'unknown',
      options: { '--global --local --system --worktree': 'flag', '-f --file': 'write' },
      subcommands: { 'list get': { effects: ['read'] } },
    },
    worktree: { subcommands: { list: sub(['read']), 'remove prune': sub(['delete']) } },
    'gc prune repack': sub(['delete', 'write', 'execute']),
    init: sub(['write']),
  },
}
