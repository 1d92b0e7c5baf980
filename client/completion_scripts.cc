#include "client/completion_scripts.h"

namespace deepbindnet::client {
namespace {

constexpr char kBash[] = R"script(# bash completion for deepbindnet, from: deepbindnet completion bash
_deepbindnet() {
  local -a words=() lines=()
  local i word current prefix line
  COMPREPLY=()
  # Bash splits words at those of '=' and ':' that COMP_WORDBREAKS has; what it split is one word again.
  for ((i = 1; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ $word == [=:]* || ${COMP_WORDS[i - 1]} == +([=:]) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  current=${COMP_WORDS[COMP_CWORD]}
  if [[ $current == +([=:]) ]]; then current=; fi
  prefix=${words[-1]%"$current"}  # Bash keeps this part of the word as it is.
  mapfile -t lines < <("${1/#\~\//$HOME/}" __complete "${words[@]}" 2>/dev/null)
  case ${lines[0]-} in
    :files) compopt -o default ;;
    :directories) compopt -o dirnames ;;
    *)
      for line in "${lines[@]}"; do
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$prefix"}")
      done
      ;;
  esac
}
complete -F _deepbindnet deepbindnet)script";

constexpr char kFish[] = R"script(# fish completion for deepbindnet, from: deepbindnet completion fish
function __deepbindnet_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l lines ($program __complete $words[2..-1] "$current" 2>/dev/null)
    set -l prefix (string match -r '^--[^=]*=' -- "$current")
    set -l path (string replace -r '^--[^=]*=' '' -- "$current")
    switch "$lines[1]"
        case ':files'
            complete -C "'' $path" | string replace -r '^' -- "$prefix"
        case ':directories'
            complete -C "'' $path" | string match -r '^[^\t]*/(?=\t|$)' | string replace -r '^' -- "$prefix"
        case '*'
            printf '%s\n' $lines
    end
end
complete -c deepbindnet -f -a '(__deepbindnet_complete)')script";

constexpr char kZsh[] = R"script(#compdef deepbindnet
# zsh completion for deepbindnet, from: deepbindnet completion zsh
_deepbindnet() {
  local -a lines candidates
  local line
  lines=("${(@f)$("${words[1]/#\~\//$HOME/}" __complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  case $lines[1] in
    :files) compset -P '--*='; _files ;;
    :directories) compset -P '--*='; _files -/ ;;
    ?*)
      for line in $lines; do
        if [[ $line == *$'\t'* ]]; then
          candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        else
          candidates+=("${line//:/\\:}")
        fi
      done
      _describe deepbindnet candidates
      ;;
  esac
}
if [[ $funcstack[1] == _deepbindnet ]]; then
  _deepbindnet "$@"
else
  compdef _deepbindnet deepbindnet
fi)script";

}  // namespace

const std::map<std::string, std::string>& CompletionScripts() {
  static const auto* const scripts =
      new std::map<std::string, std::string>{{"bash", kBash}, {"fish", kFish}, {"zsh", kZsh}};
  return *scripts;
}

}  // namespace deepbindnet::client
