"""Words in which an answer says that there is no such person, or that only the password was wrong; in the languages that such answers are written in."""

import re
from typing import Final

_UNKNOWN: Final = re.compile(
    r"(?i)\b(no such|unknown|unregistered|does ?n[o']t exist|do not exist|not exist|not found|no (user|account|member|customer|person|profile|one)\b|not (?:registered|listed|on file)|not in (?:our|the) (?:database|system|records)|nobody|no account|do(?:n[o']t| not) have (?:this|that|the|your|an?|any) (?:e-?mail|address|user|account|name)|could ?n[o']t find|cannot find|do(?:n[o']t| not) (?:know|recogni[sz]e)|invalid (user_?name|e-?mail|user)\b(?! or)"
    r"|no (existe|encontrad[oa]|registrad[oa])|inexistente|n[ãa]o (existe|encontrad[oa]|cadastrad[oa])|introuvable|inconnue?|n'existe pas|nicht gefunden|existiert nicht|unbekannt\w{0,2}|non (trovat[oa]|esiste)|nie (istnieje|znaleziono)|bulunamad[ıi]|не найден\w{0,2}|не существует)"
)
_PERSON: Final = re.compile(
    r"(?i)user|account|e-?mail|(?:this|that|the|an?) address|login|member|person|customer|registered|name|usuari[oa]|usuário|correo|cuenta|conta\b|utilisateur|compte|benutzer|nutzer|konto|utente|użytkownik|kullanıcı|hesap|пользовател"
)
_WRONG: Final = re.compile(
    r"(?i)\b(wrong|incorrect|invalid|bad|not (the |your )?(right|correct)) (password|passphrase)\b|password (is )?(wrong|incorrect|invalid|does ?n[o']t match|does not match)"
    r"|(contraseña|clave|senha)( es| está)? (incorrect[ao]|inválid[ao]|incorreta|errada)|mot de passe( est)? (incorrect|invalide|erroné)|falsches (passwort|kennwort)|(passwort|kennwort)( ist)? (falsch|ungültig)|password (errata|non valida)|(şifre|parola)( hatalı| yanlış)|неверный пароль"
)
_BOTH: Final = re.compile(
    r"(?i)\bor (?:the |your |an? )?(?:wrong |incorrect |invalid |bad )?(?:pass|pwd)|(user|e-?mail|account|name|login)\w* (or|and|/) (the )?(pass|pwd)|(user|e-?mail|account|name|login)\w*/(pass|pwd)|password(/| or| and)|credentials"
    r"|\w (o|y|ou|et|oder|und|e|veya|ve|или|и) (la |le |das |il |o |a )?(contraseña|clave|senha|mot de passe|passwort|kennwort|password|şifre|parola|пароль)|(contraseña|clave|senha|mot de passe|passwort|kennwort|şifre|parola) (o|y|ou|et|oder|und|veya|ve) |credencia(les|is)|identifiants"
)


def says_nobody(text: str) -> bool:
    """That it says that there is no such person; how an address is written says nothing of one."""
    found = _UNKNOWN.search(text) and _PERSON.search(text)
    return bool(found) and not _BOTH.search(text) and "format" not in text.lower()


def says_which(text: str) -> bool:
    """That it speaks of the person alone or of the password alone."""
    return says_nobody(text) or bool(_WRONG.search(text) and not _BOTH.search(text))
