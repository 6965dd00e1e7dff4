"""Every rewriting by its name."""

from typing import Final

from tests.rules.respelling import (
    branching,
    constants,
    guarding,
    holders,
    imports,
    layers,
    moved_code,
    objects,
    own_names,
    places,
    routes,
    settings,
    statements,
    texts,
)
from tests.rules.respelling.tree import Rewriting, each_module

reprinted = each_module(lambda tree: True)
"""The same program without comments, as Python prints it: what the others are compared with."""

REWRITINGS: Final[dict[str, Rewriting]] = {
    f"{part.__name__.rpartition('.')[2]}.{title}": rewriting
    for part, titles in {
        imports: "aliased from_imported module_imported reexported lazy functions_by_another_name",
        constants: "in_a_module in_a_module_read_whole through_a_package in_a_class_elsewhere in_a_class in_a_dict in_an_enum in_a_dataclass"
        " in_an_object by_functions used_where_read",
        holders: "in_a_container in_properties in_setters in_a_loaded_object in_a_builder picked_by_the_environment in_a_namespace"
        " unpacked in_json in_yaml in_toml in_ini",
        settings: "updated_by_keywords updated_by_dict updated_by_variable from_mapping from_class from_instance by_alias by_function by_loop"
        " as_attributes as_items from_named_class from_imported_class from_module from_file",
        routes: "factory factory_called_below added_below added_at_the_end as_class hooks_by_call other_verb coroutines blueprint_elsewhere",
        statements: "hoisted_arguments named_result named_parts named_test named_receiver keywords_in_a_dict inlined given_in_test"
        " rest_in_else suppressed"
        " loop_for_comprehension",
        branching: "swapped_comparison turned_if else_after_end without_else split_test conditional_expression branches",
        moved_code: "in_functions in_static_methods in_methods in_constructed steps_elsewhere functions_elsewhere thin_views"
        " conditions_in_functions answers_in_functions",
        layers: "in_a_table in_a_registry as_use_cases as_commands in_pairs in_heirs in_layers handed_on in_clients within_contexts"
        " in_the_application",
        objects: "settings_read conditions_in_a_service ok_and_error requests_in_a_dataclass dicts_by_asdict decorators_as_classes errors_by_a_handler",
        guarding: "decorators_with_options guards_of_an_object hooks_in_an_extension doors_in_a_table doors_by_own_decorator result_objects"
        " kept_in_g within_a_context matched tried logged_by_function",
        texts: "formatted by_percent added joined log_in_fstring fstrings twins jsonified json_by_call logger_of_app own_logger",
        own_names: "noted longer_names neutral_names renamed_views",
        places: "in_a_package below_another_name",
    }.items()
    for title in titles.split()
    for rewriting in [getattr(part, title)]
}  # fmt: skip
